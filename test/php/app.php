<?php
// An application on PHP's own sessions, for tests: php -S 127.0.0.1:<port> app.php. FILLED is what /set puts into the session.
enum Suit: string { case Hearts = 'h'; }
class Cart { public $items = ['hat']; protected $owner = 'ada'; private $total = 9.5; }

session_start();
header('Content-Type: application/json');
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);

if ($path === '/set') {
    foreach (json_decode(getenv('FILLED'), true) as $key => $value) $_SESSION[$key] = $value;
    echo '{}';
} elseif ($path === '/types') {
    $_SESSION['numbers'] = [0, -1, PHP_INT_MAX, PHP_INT_MIN, 2 ** 53, 1.5, 1e300, 5e-324, -0.0, NAN, INF, -INF];
    $_SESSION['words'] = [null, true, false, '', "a\"b;c|d", 'é名😀', "\0\xff"];
    $_SESSION['arrays'] = [[], [[]], [5 => 'five', 'x' => 1], ['1' => 'one', '0' => 'zero'], [0 => 'a', 1 => 'b']];
    $_SESSION['object'] = (object) ['a' => 1, 'list' => [1, 2]];
    $_SESSION['moment'] = new DateTimeImmutable('2012-01-20 12:34:56.5', new DateTimeZone('Europe/Paris'));
    $_SESSION['suits'] = [Suit::Hearts, Suit::Hearts];
    $shared = ['n' => 1];
    $_SESSION['first'] = &$shared;
    $_SESSION['second'] = ['inner' => &$shared, 'same' => $_SESSION['object'], 'again' => [$_SESSION['object']]];
    $_SESSION['third'] = &$shared['n'];
    $_SESSION['last'] = 'end';
    echo '{}';
} elseif ($path === '/cart') {
    $_SESSION['cart'] = new Cart();
    echo '{}';
} elseif ($path === '/circle') {
    $_SESSION['a'] = ['x'];
    $_SESSION['a']['self'] = &$_SESSION['a'];
    echo '{}';
} elseif ($path === '/encode') {
    // A session of whatever PHP expression, as its bytes and as JSON.
    $_SESSION = [];
    eval(file_get_contents('php://input'));
    echo json_encode(['bytes' => base64_encode(session_encode()), 'values' => $_SESSION]);
    $_SESSION = [];
} else {
    echo json_encode((object) $_SESSION);
}
