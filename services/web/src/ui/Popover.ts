// The component library's popover, named once.
export { default } from 'primevue/popover'
