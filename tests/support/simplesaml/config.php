<?php

// SimpleSAMLphp for tests: everything that it writes lies in a folder of the test, which the environment names.
$folder = getenv('FOLDER');
$config = [
    'baseurlpath' => getenv('BASE') . '/',
    'certdir' => $folder . '/',
    'loggingdir' => $folder . '/',
    'datadir' => $folder . '/',
    'tempdir' => $folder,
    'metadatadir' => __DIR__,
    'secretsalt' => 'for tests alone',
    'auth.adminpassword' => 'for tests alone',
    'timezone' => 'UTC',
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'session.cookie.secure' => false,
    'session.cookie.samesite' => 'Lax',
    'session.phpsession.savepath' => $folder,
    'session.phpsession.cookiename' => 'simplesaml',
    'session.authtoken.cookiename' => 'simplesaml-token',
    'store.type' => 'phpsession',
    'logging.handler' => 'file',
    'metadata.sources' => [['type' => 'flatfile']],
    'language.available' => ['en'],
    'language.default' => 'en',
    'theme.use' => 'default',
];
