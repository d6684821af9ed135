// Accounts, sessions and counts in memory: the interfaces of `gatewit:storage`. Nothing is durable, and the trail that
// a real store keeps (activity, revisions) is left out.

import { createHash, randomUUID } from 'node:crypto';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const family = (token) => token.slice(0, 22);
const familyId = (token) => sha256(family(token)).slice(0, 32);
/** Changes with the password and is no help in finding it. */
export const mark = (hash) => sha256(hash ?? '').slice(0, 16);

/** What is in a column, as the contract has it. Of a secret a reader learns whether there is one. */
const toValue = (column, plain) => {
  if (plain === null || plain === undefined) return { tag: 'null' };
  if (['password', 'token', 'tfa_secret'].includes(column)) return { tag: 'concealed' };
  if (typeof plain === 'boolean') return { tag: 'boolean', val: plain };
  return typeof plain === 'number' ? { tag: 'integer', val: BigInt(plain) } : { tag: 'text', val: plain };
};
const toPlain = ({ tag, val }) => (tag === 'null' ? null : tag === 'integer' ? Number(val) : val);

export class Store {
  /** Records by collection, each with plain values by column. */
  tables = { directus_users: [], directus_settings: [{ id: 1, auth_login_attempts: 25 }] };
  #sessions = new Map();
  #counts = new Map();

  /** The interfaces, for one call. `hashes` are the passwords that were hashed in it. */
  interfaces(hashes) {
    const [none, no] = [() => undefined, () => false];
    return {
      'gatewit:storage/users': {
        findByEmail: (email) => this.user((user) => user.email.toLowerCase() === email.toLowerCase()),
        find: (id) => this.user((user) => user.id === id),
        findByStaticToken: (token) => this.user((user) => user.token === token),
        read: (id, { tag, val }) => {
          const [found] = this.tables.directus_users.filter((user) => user.id === id);
          const names = Object.keys(found ?? {}).filter((name) => tag === 'all' || val.includes(name));
          return found && names.map((name) => ({ name, value: toValue(name, found[name]) }));
        },
      },
      'gatewit:storage/sessions': this.#sessionsOfAll(),
      'gatewit:storage/access': {
        // Everybody may read this much of the own account; administrators there are none.
        policies: () => [{ id: 'own', source: 'user', admin: false, app: false, enforceTfa: false, addresses: [] }],
        permissions: (_, collection, action) =>
          (`${action} ${collection}` === 'read directus_users' ? [{ fields: ['id', 'email', 'status'] }] : []),
        readRole: none,
      },
      'gatewit:storage/identities': {
        find: none, list: () => [], link: no, unlink: no, authData: none, setAuthData: none,
      },
      'gatewit:storage/records': this.#records(hashes),
      'gatewit:storage/counters': this.#counters(),
    };
  }

  user(matches) {
    const found = this.tables.directus_users.find(matches);
    return found && { ...found, role: found.role ?? undefined, tfaSecret: found.tfa_secret ?? undefined };
  }

  #sessionsOfAll() {
    const sessions = this.#sessions;
    const living = (token, now) => (sessions.get(token)?.expiresAtMs > now ? sessions.get(token) : undefined);
    const endWhere = (ends, now) => {
      const ended = [...sessions.values()].filter(ends);
      for (const { token } of ended) sessions.delete(token);
      return ended.filter((session) => session.expiresAtMs > now && !session.successor).length;
    };
    const endFamily = (token, now) => endWhere((session) => family(session.token) === family(token), now);
    return {
      familyId, endFamily,
      find: (token, now) => {
        const found = living(token, now);
        const user = this.user(({ id }) => id === found?.user);
        return found && { ...found, user, superseded: found.successor !== undefined };
      },
      begin: (session, now) => {
        endWhere((old) => old.expiresAtMs <= now, now);
        sessions.set(session.token, session);
      },
      rotate: ({ token, successor, expiresAtMs, graceUntilMs, client }, now) => {
        const found = living(token, now);
        if (!found) return { tag: 'gone' };
        if (found.successor) return { tag: 'superseded', val: found.successor };
        sessions.set(successor, { ...found, token: successor, expiresAtMs, client });
        sessions.set(token, { ...found, successor, expiresAtMs: graceUntilMs });
        return { tag: 'done' };
      },
      end: (token, _, now) => endFamily(token, now) > 0,
      partingData: (token) => sessions.get(token)?.partingData,
      endBySource: (provider, identifier, session, now) => endWhere(({ source }) => source?.provider === provider
        && [undefined, source.identifier].includes(identifier) && [undefined, source.session].includes(session), now),
      openSessions: (user, limit, now) => [...sessions.values()]
        .filter((it) => it.expiresAtMs > now && !it.successor && [undefined, it.user].includes(user))
        .sort((one, other) => Number(other.expiresAtMs - one.expiresAtMs)).slice(0, limit)
        .map((session) => ({ ...session, id: familyId(session.token), provider: session.source?.provider })),
      endOpen: (user, id, keep, _, now) => endWhere((it) => (user ?? id) && [undefined, it.user].includes(user)
        && [undefined, familyId(it.token)].includes(id) && familyId(it.token) !== keep, now),
    };
  }

  #records(hashes) {
    const found = (of, condition) => (this.tables[of] ?? []).filter((record) => this.#holds(condition, record));
    return {
      find: ({ collection, columns, condition, order, limit, offset }) => {
        const rank = (one, other) => order.reduce((rank, { column, descending }) =>
          rank || ((one[column] > other[column]) - (one[column] < other[column])) * (descending ? -1 : 1), 0);
        const page = found(collection, condition).sort(rank).slice(offset).slice(0, limit);
        return page.map((record) => columns.map((column) => toValue(column, record[column])));
      },
      count: (collection, condition) => BigInt(found(collection, condition).length),
      write: (changes, endings) => {
        // All or nothing: the copy takes the tables' place at the end.
        const tables = structuredClone(this.tables);
        const ids = [];
        for (const { action, collection, id = randomUUID(), assignments, expectations } of changes) {
          const records = (tables[collection] ??= []);
          const place = records.findIndex((record) => record.id === id);
          const isMet = ({ tag, val }) => (tag === 'password-mark' ? mark(records[place].password) === val
            : (records[place][val[0]] ?? null) === toPlain(val[1]));
          if (action !== 'create' && (place < 0 || !expectations.every(isMet))) return { tag: 'superseded' };
          const plain = ({ tag, val }) => (tag === 'plain' ? toPlain(val) : hashes[val]);
          const assigned = Object.fromEntries(assignments.map(({ column, input }) => [column, plain(input)]));
          const isTaken = (other) => other.id !== id && other.email?.toLowerCase() === assigned.email?.toLowerCase();
          const taken = { tag: 'taken', val: { collection, column: 'email', value: assigned.email } };
          if (assigned.email && records.some(isTaken)) return taken;
          if (action === 'create') records.push({ ...assigned, id });
          else if (action === 'update') Object.assign(records[place], assigned);
          else records.splice(place, 1);
          ids.push(id);
        }
        this.tables = tables;
        for (const [token, session] of this.#sessions) {
          const ends = ({ user, except }) => user === session.user && !(except && family(except) === family(token));
          if (endings.some(ends)) this.#sessions.delete(token);
        }
        return { tag: 'done', val: ids };
      },
    };
  }

  /** Whether a record meets a condition, in postfix order. */
  #holds(nodes, record) {
    const stack = [];
    for (const { tag, val } of nodes) {
      const parts = stack.splice(stack.length - { compare: 0, not: 1, related: 1, all: val, any: val }[tag]);
      stack.push({
        compare: (it) => compares(val, it[val.column] ?? null),
        not: (it) => !parts[0](it),
        all: (it) => parts.every((part) => part(it)),
        any: (it) => parts.some((part) => part(it)),
        related: (it) => it[val.column] != null && (this.tables[val.collection] ?? []).some((other) =>
          other[val.key] === it[val.column] && parts[0](other)),
      }[tag]);
    }
    return stack.length === 0 || stack[0](record);
  }

  #counters() {
    const counts = this.#counts;
    const read = (key, now) => (counts.get(key)?.expiresAtMs > now ? counts.get(key) : undefined);
    const add = (key, amount, expiresAtMs, now) => {
      const count = read(key, now) ?? { value: 0, expiresAtMs };
      counts.set(key, { ...count, value: count.value + amount });
      return counts.get(key);
    };
    return { add, read, clear: (key) => void counts.delete(key) };
  }
}

const COMPARISONS = {
  equal: (value, [other]) => value === other, among: (value, others) => others.includes(value),
  less: (value, [other]) => value < other, 'less-or-equal': (value, [other]) => value <= other,
  greater: (value, [other]) => value > other, 'greater-or-equal': (value, [other]) => value >= other,
  contains: (value, [other]) => value.includes(other), 'starts-with': (value, [other]) => value.startsWith(other),
  'ends-with': (value, [other]) => value.endsWith(other),
};

/** Nothing compares with null. */
function compares({ operator, values }, value) {
  if (operator === 'null' || value === null) return operator === 'null' && value === null;
  const fold = (it) => (operator.endsWith('-folded') ? it.toLowerCase() : it);
  const others = values.map(toPlain).filter((other) => other !== null).map(fold);
  return others.length > 0 && COMPARISONS[operator.replace('-folded', '')](fold(value), others);
}
