// Sessions as people know them: on which device, from where, until when.
import { make } from './dom.js';
import { device } from './device.js';
import { icon } from './icons.js';
import { badge } from './inside.js';
import { ago, say, when } from './text.js';

export function title({ user_agent: agent }) {
  const { browser, system } = device(agent);
  if (browser && system) return say('browserOn', browser, system);
  return browser ?? system ?? say('unknownDevice');
}

/** A line of a list of sessions, with what can be done about it. */
export function line(session, action) {
  const { mobile } = device(session.user_agent);
  const facts = [session.ip, session.provider && say('through', session.provider), say('signedInUntil', ago(session.expires))].filter(Boolean);
  return make(
    'li',
    {},
    make('span', { class: 'face square', 'aria-hidden': 'true' }, icon(mobile ? 'phone' : 'desktop')),
    make(
      'div',
      { class: 'what' },
      make('div', { class: 'row' }, make('strong', {}, title(session)), session.current && badge(say('thisOne'), 'good'), session.share && badge(say('share'))),
      make('span', { class: 'small faint', title: when(session.expires) }, facts.join(' · ')),
    ),
    action,
  );
}
