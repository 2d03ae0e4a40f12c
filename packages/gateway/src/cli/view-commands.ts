/** The commands of views of lists that are saved by name. */
import type { CommandSpec } from './command.ts';

const id = { form: 'ID', about: 'Id of the view (view_…).' };
const share = { flags: '--share WITH', about: 'everyone, team:ID, or nobody.' };
const set = { flags: '--set NAME=VALUE', about: "A parameter of the page's address, such as q=status:error.", repeated: true } as const;

export const viewCommands: readonly CommandSpec[] = [
  {
    name: ['views', 'list'],
    summary: 'List saved views',
    about: "The caller's own, and those that are shared with everyone or with a team of theirs.",
    client: true,
    prints: true,
    options: [
      { flags: '--page PAGE', about: 'Only those of a list: traces.' },
      { flags: '--all', about: 'Also what is shared with teams of others; takes views.write.' },
    ],
    load: async () => (await import('./views.ts')).viewsList,
  },
  {
    name: ['views', 'get'],
    summary: 'Show a saved view',
    client: true,
    prints: true,
    arguments: [id],
    load: async () => (await import('./views.ts')).viewsGet,
  },
  {
    name: ['views', 'create'],
    summary: 'Save a view of a list by name',
    client: true,
    prints: true,
    arguments: [{ form: 'NAME', about: 'What it is called.' }],
    options: [{ flags: '--page PAGE', about: 'The list that it is a view of.', otherwise: 'traces' }, set, { ...share, otherwise: 'nobody' }],
    examples: ['gateway views create "Failing payments" --set "q=team:payments -status:ok" --set range=24h --share team:payments'],
    load: async () => (await import('./views.ts')).viewsCreate,
  },
  {
    name: ['views', 'update'],
    summary: 'Change a saved view',
    about: 'For all who see it.',
    client: true,
    prints: true,
    arguments: [id],
    options: [{ flags: '--name TEXT', about: 'Another name.' }, { ...set, about: 'A parameter of the address; with an empty value it goes.' }, share],
    load: async () => (await import('./views.ts')).viewsUpdate,
  },
  {
    name: ['views', 'delete'],
    summary: 'Delete a saved view',
    about: 'From all who see it.',
    client: true,
    prints: true,
    arguments: [id],
    load: async () => (await import('./views.ts')).viewsDelete,
  },
];
