"""The web application: who is signed in and how often they came, in webapp2's cookie session. Python 2.7 or 3.

Where webapp2 is installed it is a webapp2 application. Elsewhere it is a bare WSGI one that keeps the very same cookie by itself.
"""
from __future__ import print_function

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from wsgiref.simple_server import WSGIRequestHandler, make_server

try:
    from urllib.parse import parse_qs
except ImportError:
    from urlparse import parse_qs

try:
    import webapp2
    from webapp2_extras import sessions
except ImportError:
    webapp2 = None

SECRET_KEY = os.environ['SECRET_KEY']


def visit(session, user):
    """What a page of this application does with its session."""
    if user:
        session['user'] = user
    session['visits'] = session.get('visits', 0) + 1


if webapp2:

    class Page(webapp2.RequestHandler):
        def dispatch(self):
            self.session_store = sessions.get_store(request=self.request)
            try:
                webapp2.RequestHandler.dispatch(self)
            finally:
                self.session_store.save_sessions(self.response)

        def get(self):
            session = self.session_store.get_session()
            visit(session, self.request.get('user'))
            self.response.write(json.dumps(dict(session), sort_keys=True))

    application = webapp2.WSGIApplication([('/', Page)], config={'webapp2_extras.sessions': {'secret_key': SECRET_KEY}})

else:

    def sign(*parts):
        return hmac.new(SECRET_KEY.encode('utf-8'), '|'.join(parts).encode('utf-8'), hashlib.sha1).hexdigest()

    def load(header):
        cookies = dict(pair.strip().split('=', 1) for pair in header.split(';') if '=' in pair)
        parts = cookies.get('session', '').split('|')
        genuine = len(parts) == 3 and hmac.compare_digest(sign('session', parts[0], parts[1]), str(parts[2]))
        return json.loads(base64.b64decode(parts[0]).decode('ascii')) if genuine else {}

    def save(session):
        payload = base64.b64encode(json.dumps(session, separators=(',', ':')).encode('ascii')).decode('ascii')
        seconds = str(int(time.time()))
        return str('session=%s|%s|%s; Path=/' % (payload, seconds, sign('session', payload, seconds)))

    def application(environ, start_response):
        session = load(environ.get('HTTP_COOKIE', ''))
        visit(session, parse_qs(environ['QUERY_STRING']).get('user', [None])[0])
        start_response('200 OK', [('Content-Type', 'application/json'), ('Set-Cookie', save(session))])
        return [json.dumps(session, sort_keys=True).encode('ascii')]


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


server = make_server('127.0.0.1', 0, application, handler_class=Quiet)
print('%d %s' % (server.server_port, 'webapp2' if webapp2 else 'without webapp2 itself (pip install --pre webapp2): its cookie, by hand'))
sys.stdout.flush()
server.serve_forever()
