// Where an invitation leads.
import { letter } from './letter.js';
import { client } from './server.js';

letter((token, password) => client.acceptInvite(token, password), { finished: 'accepted', title: 'acceptedTitle' });
