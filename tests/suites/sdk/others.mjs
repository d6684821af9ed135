// What the client exports besides: each with the reason why it is no concern of a server of accounts.

import { called, check, exported } from './harness.mjs';

const noun = '(Collection|Field|Relation|Item|Singleton|File|Folder|Flow|Operation|Dashboard|Panel|Preset|Translation|Comment|Notification|ContentVersion|Deployment\\w*|Extension)s?';

const others = [
  [new RegExp(`^(create|read|update|delete)${noun}(Batch|ByCollection)?$`), 'items and what is made around them'],
  [/^(importFile|uploadFiles|downloadFilesZip|downloadFolderZip|readAsset(ArrayBuffer|Blob|Raw))$/, 'files'],
  [/^(compareContentVersion|promoteContentVersion|saveToContentVersion)$/, 'versions of items'],
  [/^(cancelDeployment|triggerDeployment|triggerFlow)$/, 'automation'],
  [/^(install|uninstall|reinstall|read)Registry(Account|Extensions?)$|^(un|re)?installRegistryExtension$/, 'extensions'],
  [/^(schemaApply|schemaDiff|schemaSnapshot)$/, 'tables, which are those of a migration'],
  [/^(utilitySort|utilsExport|utilsImport|utilsImportBatch|aggregate)$/, 'items; docs/differences.md names aggregate'],
  [/^clearCache$/, 'there is no cache to clear'],
  [/^inviteShare$/, 'letters about items; docs/differences.md names it'],
  [/^readItemPermissions$/, 'forms of the app; docs/differences.md names it'],
  [/^(realtime|messageCallback|pong|auth|generateUid|sleep)$/, 'WebSockets'],
  [/^(formatFields|getAuthEndpoint|queryToParams|throwIfCoreCollection|throwIfEmpty)$/, 'sends nothing'],
];

/** Every export was called with success, or is named here, and nothing is named in vain. */
export async function complete() {
  await check('every export of the client is called, or named as no concern (all)', async () => {
    const named = (name) => others.some(([pattern]) => pattern.test(name));
    const missing = exported.filter((name) => !called.has(name) && !named(name));
    const twice = exported.filter((name) => called.has(name) && named(name));
    const vain = others.filter(([pattern]) => !exported.some((name) => pattern.test(name))).map(([pattern]) => pattern.source);
    if (missing.length + twice.length + vain.length > 0) {
      throw new Error(`neither called nor named: ${missing}; both: ${twice}; no such export: ${vain}`);
    }
    // The check itself sees an export that is new.
    if (named('createPasskey') || called.has('createPasskey')) throw new Error('everything would be let through');
  });
}
