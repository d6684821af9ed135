// Roles, policies, permissions, settings, shares, the trail, and what the server tells of itself.

import { admin, check, equal, nobody, password, refused, sdk, signedIn, truly } from './harness.mjs';

const absent = '00000000-0000-4000-8000-000000000000';

/** Every call on the records of a collection: names of calls are made of the name of one and of several. */
async function records(client, of, one, several, example, [field, value]) {
  const call = (verb, noun) => sdk[`${verb}${noun}`];
  const ids = [];
  await check(of(`create${one}`), async () => {
    const made = await client.request(call('create', one)(example(0)));
    truly(made.id, 'no id');
    ids.push(made.id);
  });
  await check(of(`create${several}`), async () => {
    const made = await client.request(call('create', several)([example(1), example(2)]));
    equal(made.length, 2);
    ids.push(...made.map((record) => record.id));
    await refused(() => nobody().request(call('create', several)([example(3)])), 'FORBIDDEN');
  });
  const [first, second, third] = ids;
  const read = async (id) => (await client.request(call('read', one)(id)))[field];
  await check(of(`read${one}`), async () => {
    equal((await client.request(call('read', one)(first, { fields: ['id'] }))), { id: first });
    await refused(() => nobody().request(call('read', one)(first)), 'FORBIDDEN');
  });
  await check(of(`read${several}`), async () => {
    const found = await client.request(call('read', several)({ filter: { id: { _in: ids } }, fields: ['id'], sort: ['id'] }));
    equal(found.length, 3);
  });
  await check(of(`update${one}`), async () => {
    equal((await client.request(call('update', one)(first, { [field]: value(1) })))[field], value(1));
    await refused(() => nobody().request(call('update', one)(first, { [field]: value(1) })), 'FORBIDDEN');
  });
  await check(of(`update${several}`), async () => {
    equal((await client.request(call('update', several)([first, second], { [field]: value(2) }))).length, 2);
    equal([await read(first), await read(second), (await read(third)) === value(2)], [value(2), value(2), false]);
  });
  await check(of(`update${several}Batch`), async () => {
    const batch = [{ id: second, [field]: value(3) }, { id: third, [field]: value(4) }];
    equal((await client.request(call('update', `${several}Batch`)(batch))).length, 2);
    equal([await read(second), await read(third)], [value(3), value(4)]);
  });
  return async () => {
    await check(of(`delete${one}`), async () => {
      await refused(() => nobody().request(call('delete', one)(first)), 'FORBIDDEN');
      await client.request(call('delete', one)(first));
      await refused(() => read(first), 'FORBIDDEN');
    });
    await check(of(`delete${several}`), async () => {
      await client.request(call('delete', several)([second, third]));
      await refused(() => read(third), 'FORBIDDEN');
    });
  };
}

export async function rights(mode, client, people, of) {
  const named = (index) => ({ name: `${mode} ${index}` });
  const text = ['name', (index) => `changed ${index}`];
  const removeRoles = await records(client, of, 'Role', 'Roles', named, text);
  const removePolicies = await records(client, of, 'Policy', 'Policies', named, text);
  const [policy] = await client.request(sdk.readPolicies({ fields: ['id'], limit: 1 }));
  const rule = () => ({ policy: policy.id, collection: 'directus_users', action: 'read', fields: ['id'] });
  const removePermissions = await records(client, of, 'Permission', 'Permissions', rule, [
    'action',
    (index) => ['create', 'update', 'delete', 'share'][index - 1],
  ]);
  await check(of('readRolesMe'), async () => truly((await client.request(sdk.readRolesMe())).length > 0, 'no role'));
  await check(of('readPolicyGlobals'), async () =>
    equal(await client.request(sdk.readPolicyGlobals()), { app_access: true, admin_access: true, enforce_tfa: false }));
  await check(of('readUserPermissions'), async () => {
    const own = await signedIn('json', { email: people.plain, password });
    equal((await own.request(sdk.readUserPermissions())).directus_users.read.access, 'partial');
    truly(await client.request(sdk.readUserPermissions()), 'nothing');
  });
  for (const remove of [removePermissions, removePolicies, removeRoles]) await remove();
  await check(of('readSettings'), async () =>
    equal((await client.request(sdk.readSettings({ fields: ['project_name'] }))).project_name, 'Directus'));
  await check(of('updateSettings'), async () => {
    equal((await client.request(sdk.updateSettings({ public_note: mode }))).public_note, mode);
    await refused(() => nobody().request(sdk.updateSettings({ public_note: '' })), 'FORBIDDEN');
  });
}

export async function shares(mode, client, people, of) {
  const { id } = await client.request(sdk.readMe({ fields: ['id'] }));
  const share = (index) => ({
    name: `share ${index}`, collection: 'directus_users', item: id, role: people.editorRole, password: 'Share-password1',
  });
  const text = ['name', (index) => `changed ${index}`];
  const remove = await records(client, of, 'Share', 'Shares', share, text);
  const [first] = await client.request(sdk.readShares({ fields: ['id'], limit: 1 }));
  await check(of('readShareInfo'), async () => {
    const told = await nobody().request(sdk.readShareInfo(first.id));
    equal([told.id, told.collection], [first.id, 'directus_users']);
    await refused(() => nobody().request(sdk.readShareInfo(absent)), 'FORBIDDEN');
  });
  const way = mode === 'static' ? 'json' : mode;
  await check(of('authenticateShare'), async () => {
    const guest = nobody(way);
    await refused(() => guest.request(sdk.authenticateShare(first.id, 'wrong', way)), 'INVALID_CREDENTIALS');
    const answer = await guest.request(sdk.authenticateShare(first.id, 'Share-password1', way));
    equal(await guest.request(sdk.withToken(answer?.access_token, sdk.readMe())), { share: first.id });
  });
  await remove();
}

export async function trail(mode, client, of) {
  const [action] = await client.request(sdk.readActivities({ limit: 1, sort: ['-id'] }));
  await check(of('readActivities'), async () => {
    const found = await client.request(sdk.readActivities({ filter: { action: { _eq: 'login' } }, limit: 3 }));
    equal(found.map((entry) => entry.action), ['login', 'login', 'login']);
    await refused(() => nobody().request(sdk.readActivities()), 'FORBIDDEN');
  });
  await check(of('readActivity'), async () => equal((await client.request(sdk.readActivity(action.id))).id, action.id));
  const revisions = await check(of('readRevisions'), async () => {
    const found = await client.request(sdk.readRevisions({ filter: { collection: { _eq: 'directus_users' } } }));
    truly(found.length > 0 && !JSON.stringify(found).includes('$argon2'), 'nothing, or a hash');
    return found;
  });
  await check(of('readRevision'), async () =>
    equal((await client.request(sdk.readRevision(revisions[0].id))).id, revisions[0].id));
}

export async function facts(mode, client, of) {
  await check(of('serverPing'), async () => equal(await client.request(sdk.serverPing()), 'pong'));
  await check(of('serverInfo'), async () => {
    equal((await nobody().request(sdk.serverInfo())).project.project_name, 'Directus');
    truly((await client.request(sdk.serverInfo())).version, 'no version');
  });
  await check(of('serverHealth'), async () => {
    equal((await client.request(sdk.serverHealth())).status, 'ok');
    await refused(() => nobody().request(sdk.serverHealth()), 'FORBIDDEN');
  });
  await check(of('readOpenApiSpec'), async () =>
    truly((await client.request(sdk.readOpenApiSpec())).paths['/auth/login'], 'no sign-in'));
  await check(of('readGraphqlSdl'), async () => {
    // As from Directus it comes as a file, which the client hands over as the answer that it is.
    const answer = await client.request(sdk.readGraphqlSdl('system'));
    truly((await answer.text()).includes('auth_login('), 'no sign-in');
  });
  await check(of('randomString'), async () => equal((await client.request(sdk.randomString(20))).length, 20));
  await check(of('readProviders'), async () => {
    const expected = [{ name: 'staff', driver: 'local' }];
    equal(await nobody().request(sdk.readProviders()), expected);
    equal(await client.request(sdk.readProviders(true)), expected);
  });
  await check(of('auth after all this'), async () =>
    equal((await client.request(sdk.readMe({ fields: ['email'] }))).email, admin.email));
}
