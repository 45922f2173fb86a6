const base = require('@jupyterlab/testing/lib/jest-config');

const modules = [
  '@codemirror',
  '@jupyter/',
  '@jupyterlab/',
  '@microsoft/',
  '@rjsf/',
  'exenv-es6',
  'lib0',
  'nanoid',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'y-websocket',
  'yjs',
  '@lumino',
  '@dagrejs',
  'lodash-es',
  '@xyflow'
].join('|');

module.exports = {
  ...base(__dirname),
  setupFiles: [...(base(__dirname).setupFiles ?? []), '<rootDir>/jest.setup.js'],
  coverageDirectory: 'coverage',
  collectCoverage: false,
  testRegex: 'src/.*/?__tests__/.*\\.spec\\.tsx?$',
  transformIgnorePatterns: [`/node_modules/(?!${modules}).+`],
  modulePathIgnorePatterns: ['<rootDir>/lib']
};
