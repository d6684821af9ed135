// A real SMTP server, for tests. It takes letters on 127.0.0.1 and prints what happens as JSON, one object a line:
//   {"kind":"listening","port":1}   {"kind":"connected"}   {"kind":"asked","recipient":"…"}   {"kind":"letter",…}
// A line on the standard input says how it treats recipients from then on: take, refuse, later or hang.
// It ends when the standard input does.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { MODULES, PORT, TLS, CERTIFICATE, KEY, ACCOUNT } = process.env;
const require = createRequire(`${MODULES}/package.json`);
const { SMTPServer } = require('smtp-server');
const { simpleParser } = require('mailparser');

let manner = 'take';
const say = (kind, facts) => process.stdout.write(JSON.stringify({ kind, ...facts }) + '\n');
const refusal = (responseCode, text) => Object.assign(new Error(text), { responseCode });

const server = new SMTPServer({
  secure: TLS === 'first-byte',
  key: KEY && readFileSync(KEY),
  cert: CERTIFICATE && readFileSync(CERTIFICATE),
  disabledCommands: [...(TLS === 'none' ? ['STARTTLS'] : []), ...(ACCOUNT ? [] : ['AUTH'])],
  allowInsecureAuth: true,
  disableReverseLookup: true,
  onConnect(session, done) {
    say('connected', {});
    done();
  },
  onAuth({ username, password }, session, done) {
    say('signed-in', { secure: session.secure });
    if (`${username}:${password}` === ACCOUNT) done(null, { user: username });
    else done(refusal(535, 'wrong name or password'));
  },
  onRcptTo({ address }, session, done) {
    say('asked', { recipient: address });
    if (manner === 'refuse') done(refusal(550, 'no such person here'));
    else if (manner === 'later') done(refusal(451, 'not now'));
    else if (manner === 'take') done();
  },
  async onData(stream, session, done) {
    const letter = await simpleParser(stream, { skipTextLinks: true, skipTextToHtml: true, skipHtmlToText: true });
    const headers = Object.fromEntries(letter.headerLines.map(({ key, line }) => [key, line.replace(/^[^:]*: */, '')]));
    const { mailFrom, rcptTo } = session.envelope;
    say('letter', {
      sender: mailFrom.address,
      recipients: rcptTo.map(({ address }) => address),
      from: letter.from?.text,
      to: letter.to?.text,
      subject: letter.subject,
      text: letter.text,
      html: letter.html || '',
      headers,
      secure: session.secure,
      user: session.user || null,
    });
    done();
  },
});
// Clients that do not believe the certificate hang up; that is theirs to tell.
server.on('error', ({ message }) => say('error', { message }));
server.listen(Number(PORT), '127.0.0.1', () => say('listening', { port: server.server.address().port }));

const orders = createInterface({ input: process.stdin });
orders.on('line', (line) => {
  manner = line;
  say('manner', { manner });
});
orders.on('close', () => process.exit());
