// Icon shapes on a 24 × 24 field.
export const ICONS = {
  balance: 'M12 4v16M8 20h8M5 7h14M5 7l-3 7a3.2 3.2 0 0 0 6 0zM19 7l-3 7a3.2 3.2 0 0 0 6 0z',
  telegram: 'M21 4 3 11l6 2.5L12 20l3-4.5 4 2.5zM9 13.5 21 4',
  company: 'M4 21V5l8-2v18M12 9l8 2v10M2 21h20M7 8h2M7 12h2M7 16h2M15.5 14h1.5M15.5 17.5h1.5',
  calendar: 'M4 6h16v15H4zM4 10.5h16M8 3v4M16 3v4',
  previous: 'M14.5 5.5 8 12l6.5 6.5',
  next: 'M9.5 5.5 16 12l-6.5 6.5',
  down: 'M6 9.5l6 6 6-6',
  up: 'M12 19V5M6 11l6-6 6 6',
  descend: 'M12 5v14M6 13l6 6 6-6',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 21 21',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  alert: 'M12 3.5 22 20H2zM12 10v4.5M12 17.2v.1',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.5M12 7.6v.1',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5a7.5 7.5 0 0 1 15 0',
  sessions: 'M4 5h16v11H4zM9 20h6M12 16v4',
  key: 'M14.5 13.5a5 5 0 1 0-4-4L3 17v4h4v-3h3v-3z M16.2 7.8v.1',
  signOut: 'M14 4H5v16h9M10 12h11M17 8l4 4-4 4',
  eye: 'M2 12s3.5-6.5 10-6.5S22 12 22 12s-3.5 6.5-10 6.5S2 12 2 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
  eyeOff: 'M4 4l16 16M9.5 5.8A9.6 9.6 0 0 1 12 5.5c6.5 0 10 6.5 10 6.500a17 17 0 0 1-3.2 3.900M6 7.500A16 16 0 0 0 2 12s3.5 6.5 10 6.500a10 10 0 0 0 4-.800M10 10a3 3 0 0 0 4 4',
  panel: 'M4 5h16v14H4zM9.5 5v14',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  refresh: 'M20 11a8 8 0 1 0-2 6M20 5v6h-6',
  unlink: 'M9 15l-2 2a3.5 3.5 0 0 1-5-5l3-3M15 9l2-2a3.5 3.5 0 0 1 5 5l-3 3M9 5V2M5 9H2M15 19v3M19 15h3',
} as const

export type IconName = keyof typeof ICONS
