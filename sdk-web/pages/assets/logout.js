// Ends the session here, for links and bookmarks.
import { at } from './dom.js';
import { enter, told } from './gate.js';
import { explain } from './notice.js';
import { client, page } from './server.js';

enter();
try {
  await client.session();
  await client.logout();
  location.replace(`${page('login')}?left`);
} catch (error) {
  told(explain(error));
  at('onward').hidden = false;
}
