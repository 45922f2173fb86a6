const v8 = require('node:v8');

// jsdom has none
globalThis.structuredClone ??= value => v8.deserialize(v8.serialize(value));
