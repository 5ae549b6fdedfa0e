# -*- coding: utf-8 -*-
"""The Python side of a shared webapp2 session, for tests. Python 2.7 and 3.

Reads one JSON object a line from standard input and answers one a line. Where webapp2 can be imported (PYTHONPATH, pip install
--pre webapp2) its own securecookie signs and verifies; elsewhere a stand-in does, written from the format. The same for WebOb.
"""
from __future__ import print_function, unicode_literals

import base64
import datetime
import hashlib
import hmac
import json
import pickle
import socket
import sys
import time

try:
    import cPickle
except ImportError:
    cPickle = None
try:
    from urllib.request import Request, urlopen
except ImportError:
    from urllib2 import Request, urlopen
try:
    from http import cookies as http_cookies
except ImportError:
    import Cookie as http_cookies

PY2 = sys.version_info[0] == 2
# Where Google's SDK has its copies of libraries.
SDK = '/usr/lib/google-cloud-sdk/platform/google_appengine/lib/'
sys.path += [SDK + 'webob', SDK + 'six']

try:
    from webapp2_extras import securecookie
except ImportError:
    securecookie = None
try:
    import webob
except ImportError:
    webob = None


class StandIn(object):
    """base64(JSON) | seconds | HMAC-SHA1 of name | base64 | seconds"""

    def __init__(self, secret_key):
        self.key = secret_key.encode('utf-8')

    def _sign(self, *parts):
        return hmac.new(self.key, b'|'.join(parts), hashlib.sha1).hexdigest().encode('ascii')

    def serialize(self, name, value):
        text = json.dumps(value, separators=(',', ':')).replace('</', '<\\/')
        payload = base64.b64encode(text.encode('ascii'))
        seconds = str(int(time.time())).encode('ascii')
        return b'|'.join([payload, seconds, self._sign(name.encode('utf-8'), payload, seconds)])

    def deserialize(self, name, value, max_age=None):
        parts = value.encode('utf-8').split(b'|')
        if len(parts) != 3 or not hmac.compare_digest(self._sign(name.encode('utf-8'), parts[0], parts[1]), parts[2]):
            return None
        if max_age is not None and int(parts[1]) < int(time.time()) - max_age:
            return None
        return json.loads(base64.b64decode(parts[0]).decode('utf-8'))


def serializer(secret):
    return securecookie.SecureCookieSerializer(secret) if securecookie else StandIn(secret)


def text(value):
    return value if isinstance(value, type('')) else value.decode('utf-8')


def hello():
    return {
        'python': '%d.%d' % sys.version_info[:2],
        'webapp2': 'webapp2' if securecookie else 'a stand-in for webapp2',
        'webob': 'WebOb' if webob else 'a stand-in for WebOb',
    }


def write_cookies(secret, name, values):
    """What a browser sends back for each of the values."""
    return [sent_back(name, text(serializer(secret).serialize(name, json.loads(value)))) for value in values]


def sent_back(name, value):
    if webob is None:
        return '%s=%s' % (name, value)
    response = webob.Response()
    response.set_cookie(str(name), str(value))
    return text(response.headers['Set-Cookie']).split(';')[0]


def read_cookies(secret, name, headers, max_age=None):
    """The values as JSON with sorted keys, or null."""
    answers = []
    for header in headers:
        value = received(name, header)
        data = serializer(secret).deserialize(name, value, max_age) if value else None
        answers.append(None if data is None else json.dumps(data, sort_keys=True))
    return answers


def received(name, header):
    if webob is not None:
        return webob.Request.blank(str('/'), headers={str('Cookie'): str(header)}).cookies.get(name)
    found = [pair.strip().split('=', 1) for pair in header.split(';')]
    values = [pair[1] for pair in found if len(pair) == 2 and pair[0] == name]
    return text(http_cookies._unquote(str(values[-1]))) if values else None


def value_of(expression):
    return eval(expression, {'datetime': datetime, 'u': lambda value: value})


def dump(expression, protocol, pure):
    value = value_of(expression)
    if pure:
        return text(base64.b64encode(pickle.dumps(value, protocol) if PY2 else pickle._dumps(value, protocol)))
    return text(base64.b64encode((cPickle or pickle).dumps(value, protocol)))


def load(pickled, expression):
    """Whether both of Python's unpicklers make the value of it."""
    data = base64.b64decode(pickled)
    wanted = value_of(expression)
    made = [pickle.loads(data), cPickle.loads(data) if cPickle else pickle._loads(data)]
    return {'equal': all(same(one, wanted) for one in made), 'repr': text(repr(made[0]))}


def same(a, b):
    if a != a and b != b:
        return True
    if isinstance(a, dict) and isinstance(b, dict):
        return set(a) == set(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and type(a) is type(b):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    number = isinstance(a, bool) == isinstance(b, bool) and isinstance(a, float) == isinstance(b, float)
    return a == b and number


def highest():
    return pickle.HIGHEST_PROTOCOL


class Memcache(object):
    """memcached as App Engine's client uses it: a dict is pickled under flags 2, without expiry."""

    def __init__(self, port):
        self.file = socket.create_connection(('127.0.0.1', port)).makefile('rwb')

    def get(self, key):
        self.file.write(('get %s\r\n' % key).encode('ascii'))
        self.file.flush()
        head = self.file.readline().split()
        if head[0] != b'VALUE':
            return None
        value = self.file.read(int(head[3]))
        self.file.readline()
        self.file.readline()
        return pickle.loads(value) if head[2] == b'2' else value

    def set(self, key, value):
        data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        self.file.write(('set %s 2 0 %d\r\n' % (key, len(data))).encode('ascii') + data + b'\r\n')
        self.file.flush()
        self.file.readline()


class Entities(object):
    """The entities that NDB keeps of webapp2's model Session, over REST."""

    def __init__(self, port, project):
        self.url = 'http://127.0.0.1:%d/v1/projects/%s' % (port, project)
        self.project = project

    def _call(self, method, body):
        request = Request('%s:%s' % (self.url, method), json.dumps(body).encode('utf-8'), {'Content-Type': 'application/json'})
        return json.loads(urlopen(request).read().decode('utf-8'))

    def _key(self, sid):
        return {'partitionId': {'projectId': self.project}, 'path': [{'kind': 'Session', 'name': sid}]}

    def get(self, sid):
        found = self._call('lookup', {'keys': [self._key(sid)]}).get('found')
        return pickle.loads(base64.b64decode(found[0]['entity']['properties']['data']['blobValue'])) if found else None

    def set(self, sid, value):
        blob = text(base64.b64encode(pickle.dumps(value, pickle.HIGHEST_PROTOCOL)))
        updated = datetime.datetime.utcnow().isoformat() + 'Z'
        properties = {
            'data': {'blobValue': blob, 'excludeFromIndexes': True},
            'updated': {'timestampValue': updated},
        }
        entity = {'key': self._key(sid), 'properties': properties}
        self._call('commit', {'mode': 'NON_TRANSACTIONAL', 'mutations': [{'upsert': entity}]})


def place(backend):
    return Memcache(backend['port']) if backend['kind'] == 'memcache' else Entities(backend['port'], backend['project'])


def session_set(backend, sid, expression):
    place(backend).set(sid, value_of(expression))


def session_change(backend, sid, key, expression):
    """As webapp2 does it: the whole dict is loaded, changed and saved."""
    held = place(backend)
    session = held.get(sid)
    session[key] = eval(expression, {'old': session.get(key), 'datetime': datetime})
    held.set(sid, session)


def session_is(backend, sid, expression):
    session = place(backend).get(sid)
    return {'equal': same(session, value_of(expression)), 'repr': text(repr(session))}


operations = [hello, highest, write_cookies, read_cookies, dump, load, session_set, session_change, session_is]
by_name = dict((operation.__name__, operation) for operation in operations)

while True:
    line = sys.stdin.readline()
    if not line:
        break
    request = json.loads(line)
    try:
        answer = {'answer': by_name[request.pop('do')](**dict((str(key), value) for key, value in request.items()))}
    except Exception as error:
        answer = {'error': '%s: %s' % (type(error).__name__, error)}
    print(json.dumps(answer))
    sys.stdout.flush()
