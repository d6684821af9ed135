// Where one is signed in, and how that ends.
import { button, make, show } from './dom.js';
import { confirm } from './dialog.js';
import { attempt, card, inform, list } from './inside.js';
import { line, title } from './sessions-list.js';
import { ask, segment } from './server.js';
import { say } from './text.js';

export async function sessions() {
  const place = make('div');
  const everywhere = button(say('endOthers'), () => confirm({ title: say('endOthers'), text: say('endOthersText'), label: say('endOthers'), all: false }, async () => {
    await ask('DELETE', '/users/me/sessions');
    await load();
    inform(say('othersEnded'));
  }), { class: 'slim' });

  const end = (session) => button(say('end'), (event) => attempt(async () => {
    await ask('DELETE', `/users/me/sessions/${segment(session.id)}`);
    await load();
    inform(say('sessionEnded'));
  }, event.currentTarget, {}), { class: 'slim', 'aria-label': `${say('end')}: ${title(session)}` });

  async function load() {
    const found = await ask('GET', '/users/me/sessions');
    found.sort((one, other) => Number(other.current) - Number(one.current) || other.expires.localeCompare(one.expires));
    everywhere.hidden = found.length < 2;
    show(place, list(found.map((session) => line(session, session.current ? undefined : end(session))), say('noSessions')));
  }

  await load();
  return card({ title: say('sessions'), lead: say('sessionsLead'), action: everywhere }, place);
}
