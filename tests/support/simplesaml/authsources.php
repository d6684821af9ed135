<?php

// Whoever comes is Alice.
$claims = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/';
$config = [
    'static' => [
        'exampleauth:StaticSource',
        $claims . 'nameidentifier' => ['alice'],
        $claims . 'emailaddress' => ['alice@idp.example.com'],
        $claims . 'givenname' => ['Alice'],
        $claims . 'surname' => ['Idp'],
        'groups' => ['staff', 'editors'],
        'uid' => ['alice'],
    ],
];
