// Lint rules: correctness sets of Vue and TypeScript, plus the borders of this project's folders.
import vue from 'eslint-plugin-vue'
import typescript from 'typescript-eslint'

export default typescript.config(
  { ignores: ['dist'] },
  ...typescript.configs.recommended,
  ...vue.configs['flat/essential'],
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: typescript.parser } },
  },
  {
    files: ['**/*.{ts,vue}'],
    rules: {
      'vue/no-v-html': 'error',
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/define-emits-declaration': 'error',
      'vue/define-props-declaration': 'error',
      'vue/no-unused-refs': 'error',
      'vue/no-static-inline-styles': 'error',
      'no-console': 'error',
      'no-eval': 'error',
      eqeqeq: 'error',
      'max-lines': ['error', { max: 400 }],
      // One place knows the component library, so that it can be replaced.
      'no-restricted-imports': ['error', { patterns: ['primevue', 'primevue/*', '@primeuix/*'] }],
    },
  },
  { files: ['src/ui/**'], rules: { 'no-restricted-imports': 'off' } },
)
