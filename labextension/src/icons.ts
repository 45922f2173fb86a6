import { LabIcon } from '@jupyterlab/ui-components';
import { State } from './types';

function icon(name: string, body: string): LabIcon {
  const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">${body}</svg>`;
  return new LabIcon({ name: `jupyter-mlops:${name}`, svgstr });
}

const LINE = 'class="jp-icon3" style="fill:none" stroke="#616161" stroke-width="1.5" stroke-linecap="round"';
const FILL = 'class="jp-icon3" fill="#616161"';

/** The mark of this extension: steps that lead to one another. */
export const mlopsIcon = icon(
  'mlops',
  `<path ${LINE} d="M4 5v4a2 2 0 0 0 2 2h4M4 5h6"/><circle ${FILL} cx="4" cy="4" r="2"/><circle ${FILL} cx="12" cy="5" r="2"/><circle ${FILL} cx="12" cy="11" r="2"/>`
);
export const jobsIcon = icon(
  'jobs',
  `<circle ${LINE} cx="8" cy="8" r="6"/><path ${LINE} d="M8 4.5V8l2.5 1.5"/>`
);
export const compareIcon = icon('compare', `<path ${LINE} d="M2.5 3h4v10h-4zM9.5 3h4v10h-4z"/>`);
export const suggestIcon = icon(
  'suggest',
  `<path ${LINE} d="M8 2.5v3M8 10.5v3M2.5 8h3M10.5 8h3M4.500 4.500l1.500 1.500M10 10l1.500 1.500M4.500 11.500L6 10M10 6l1.500-1.500"/>`
);

/** Icons of roles: a gear, an arrow in, a function, a sum, a barred circle, a shield, a stack. */
export const roleIcons: Record<string, LabIcon> = {
  parameters: icon(
    'parameters',
    `<path ${LINE} d="M3 4.500h6M12.500 4.500h.5M3 11.500h1M7.500 11.500h5.500"/><circle ${LINE} cx="10.500" cy="4.500" r="1.700"/><circle ${LINE} cx="5.800" cy="11.500" r="1.700"/>`
  ),
  imports: icon('imports', `<path ${LINE} d="M8 2.500v7M5 7l3 3 3-3M3 13h10"/>`),
  functions: icon(
    'functions',
    `<path ${LINE} d="M11 3c-2.500-.8-3 .5-3.300 2.500L6.700 12c-.3 1.700-1.200 2-2.500 1.500M5 7h5"/>`
  ),
  metrics: icon('metrics', `<path ${LINE} d="M3 13V9M6.500 13V4M10 13V7M13.500 13V2.500"/>`),
  skip: icon('skip', `<circle ${LINE} cx="8" cy="8" r="5.500"/><path ${LINE} d="M4.200 4.200l7.600 7.600"/>`),
  gate: icon('gate', `<path ${LINE} d="M8 2l5 2v4c0 3-2.500 5-5 6-2.500-1-5-3-5-6V4z"/>`)
};

const PATHS: Record<State, string> = {
  queued:
    '<circle cx="8" cy="8" r="5.500" fill="none" stroke="currentColor" stroke-width="1.500" stroke-dasharray="2 2"/>',
  running:
    '<circle cx="8" cy="8" r="5.500" fill="none" stroke="currentColor" stroke-width="1.500"/><path d="M8 2.500a5.500 5.500 0 0 1 0 11z" fill="currentColor"/>',
  completed: '<path d="M3 8.500l3.500 3.500L13 4.500" fill="none" stroke="currentColor" stroke-width="2"/>',
  cached:
    '<path d="M3 8.500l3.500 3.500L13 4.500" fill="none" stroke="currentColor" stroke-width="2" stroke-dasharray="2.500 1.300"/>',
  failed: '<path d="M4 4l8 8M12 4l-8 8" fill="none" stroke="currentColor" stroke-width="2"/>',
  skipped: '<path d="M4 8h8" fill="none" stroke="currentColor" stroke-width="2"/>',
  stopped: '<rect x="4" y="4" width="8" height="8" fill="currentColor"/>',
  missed: '<path d="M8 3v6M8 11.500v1.500" fill="none" stroke="currentColor" stroke-width="2"/>',
  waiting:
    '<path d="M4.500 2.500h7M4.500 13.500h7M5 3c0 3 6 4 6 10M11 3c0 3-6 4-6 10" fill="none" stroke="currentColor" stroke-width="1.300"/>',
  reproduced:
    '<path d="M3.500 5h9M3.500 8h9M3.500 11h9" fill="none" stroke="currentColor" stroke-width="1.500"/>',
  differs:
    '<path d="M3.500 6h9M3.500 10h9M10.500 3l-5 10" fill="none" stroke="currentColor" stroke-width="1.500"/>'
};

/** The drawing of each state; its colour is that of the text around it. */
export function stateSvg(state: State): string {
  return `<svg width="12" height="12" viewBox="0 0 16 16" aria-hidden="true">${PATHS[state] ?? ''}</svg>`;
}
