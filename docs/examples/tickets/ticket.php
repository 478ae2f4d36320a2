<?php
// Signs a ticket for a room. Part of the intranet's back end; PHP 7.3 or newer, nothing to install.
//
//     php ticket.php ROOM PERSON     prints one

function part(string $data): string
{
    return rtrim(strtr(base64_encode($data), '+/', '-_'), '=');
}

function ticket(string $room, string $person, string $role = 'participant'): string
{
    $secret = trim((string) @file_get_contents((string) getenv('TICKET_KEY')));
    if ($secret === '') {
        throw new RuntimeException('There is no secret at TICKET_KEY.');
    }
    $header = ['alg' => 'HS256', 'typ' => 'JWT'];
    $claims = [
        'iss' => getenv('INTRANET_URL'),
        'aud' => getenv('CHAT_URL'),
        'exp' => time() + 300,
        'jti' => bin2hex(random_bytes(16)),
        'sub' => $person,
        'room' => $room,
        'role' => $role,
    ];
    $signed = part(json_encode($header, JSON_THROW_ON_ERROR)) . '.' . part(json_encode($claims, JSON_THROW_ON_ERROR));
    return $signed . '.' . part(hash_hmac('sha256', $signed, $secret, true));
}

if (PHP_SAPI === 'cli') {
    echo ticket($argv[1], $argv[2]), "\n";
}
