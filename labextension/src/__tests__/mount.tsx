import { nullTranslator } from '@jupyterlab/translation';
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { RunFeed } from '../events';
import { IMlops } from '../tokens';

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

/** A component in a page of jsdom. */
export interface IMounted {
  node: HTMLElement;
  rerender: (element: JSX.Element) => Promise<void>;
  unmount: () => void;
}

/** Render a component, and wait until what it asks for is answered. */
export async function mount(element: JSX.Element): Promise<IMounted> {
  const node = document.body.appendChild(document.createElement('div'));
  const root = createRoot(node);
  const rerender = (changed: JSX.Element) => act(async () => root.render(changed));
  await rerender(element);
  return {
    node,
    rerender,
    unmount: () => {
      act(() => root.unmount());
      node.remove();
    }
  };
}

export function click(element: Element | null): Promise<void> {
  return act(async () => {
    element!.dispatchEvent(new MouseEvent('click', { bubbles: true }));
  });
}

/** Type a text into a field, as React hears it. */
export function type(element: Element | null, text: string): Promise<void> {
  const field = element as HTMLInputElement;
  const prototype = Object.getPrototypeOf(field) as object;
  return act(async () => {
    Object.getOwnPropertyDescriptor(prototype, 'value')!.set!.call(field, text);
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.dispatchEvent(new Event('change', { bubbles: true }));
  });
}

/** The button that says this. */
export function button(node: Element, label: string): HTMLButtonElement | null {
  const buttons = Array.from(node.querySelectorAll<HTMLButtonElement>('button, jp-button'));
  return buttons.find(each => [each.textContent, each.title].includes(label)) ?? null;
}

/** What all parts stand on, with these answers of the server. */
export function fakeMlops(answers: { jobs?: object; runs?: object } = {}): IMlops {
  const stream = { connect: () => true } as unknown as ConstructorParameters<typeof RunFeed>[0];
  return {
    jobs: answers.jobs ?? {},
    runs: answers.runs ?? {},
    feed: new RunFeed(stream),
    translator: nullTranslator,
    trans: nullTranslator.load('')
  } as unknown as IMlops;
}
