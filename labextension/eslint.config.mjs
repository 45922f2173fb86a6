import hooks from 'eslint-plugin-react-hooks';
import ts from 'typescript-eslint';

export default ts.config(
  { ignores: ['lib/**', 'src/wire.ts'] },
  ...ts.configs.recommended,
  {
    ignores: ['**/__tests__/**'],
    rules: { 'max-lines-per-function': ['error', { max: 120, skipComments: true }] }
  },
  {
    plugins: { 'react-hooks': hooks },
    rules: {
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-empty-object-type': 'off',
      eqeqeq: ['error', 'always'],
      'prefer-const': 'error'
    }
  }
);
