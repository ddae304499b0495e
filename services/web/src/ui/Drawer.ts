// The component library's drawer, named once.
export { default } from 'primevue/drawer'
