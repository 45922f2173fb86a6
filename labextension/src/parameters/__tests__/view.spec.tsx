import * as React from 'react';
import { button, click, fakeMlops, mount, type } from '../../__tests__/mount';
import { Parameter, Values } from '../../types';
import { ParametersForm } from '../view';

function parameter(name: string, type: string, value: unknown): Parameter {
  return { name, type, default: value, help: '', choices: [], required: false, cell: 0 } as Parameter;
}

const PARAMETERS = [parameter('n', 'int', 1), parameter('shares', 'list', [0.5])];

function Example(props: { onChange: (values: Values) => void }): JSX.Element {
  const [values, setValues] = React.useState<Values>({ n: 1, shares: [0.5] });
  return (
    <ParametersForm
      mlops={fakeMlops()}
      parameters={PARAMETERS}
      values={values}
      errors={{}}
      onChange={changed => {
        setValues(changed);
        props.onChange(changed);
      }}
    />
  );
}

describe('ParametersForm', () => {
  it('tells what is no JSON at its field, and keeps the last value', async () => {
    let heard: Values = {};
    const { node, unmount } = await mount(<Example onChange={values => (heard = values)} />);
    const field = () => node.querySelector('#jp-mlops-parameters_shares');
    await type(field(), '[0.1,');
    expect(node.querySelector('#jp-mlops-parameters_shares__error')!.textContent).toContain('JSON');
    expect(heard).toEqual({ n: 1, shares: [0.5] });
    await type(field(), '[0.1]');
    expect(node.querySelector('#jp-mlops-parameters_shares__error')).toBeNull();
    expect(heard).toEqual({ n: 1, shares: [0.1] });
    unmount();
  });

  it('resets one parameter to its default', async () => {
    let heard: Values = {};
    const { node, unmount } = await mount(<Example onChange={values => (heard = values)} />);
    await type(node.querySelector('#jp-mlops-parameters_n'), '7');
    expect(heard.n).toBe(7);
    await click(button(node, 'Reset n'));
    expect(heard.n).toBe(1);
    unmount();
  });
});
