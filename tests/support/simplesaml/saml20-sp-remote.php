<?php

$service = getenv('SP');
$metadata[$service . '/metadata'] = [
    'AssertionConsumerService' => $service . '/acs',
    'SingleLogoutService' => [
        ['Binding' => 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', 'Location' => $service . '/logout'],
    ],
    'simplesaml.nameidattribute' => 'uid',
    'certificate' => 'sp.crt',
    'saml20.sign.assertion' => true,
    'assertion.encryption' => getenv('ENCRYPT') === '1',
];
