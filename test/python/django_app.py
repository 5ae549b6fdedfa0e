"""An application on Django's sessions, for tests: python3 django_app.py <port>. DJANGO_SETTINGS is JSON for its settings, FILLED what
/set puts into the session."""
import json
import os
import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from socketserver import ThreadingMixIn

import django
from django.conf import settings
from django.http import JsonResponse
from django.urls import path

given = json.loads(os.environ['DJANGO_SETTINGS'])
settings.configure(
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    ALLOWED_HOSTS=['*'],
    INSTALLED_APPS=['django.contrib.sessions'],
    MIDDLEWARE=['django.contrib.sessions.middleware.SessionMiddleware'],
    **given
)
django.setup()


def fill(request):
    request.session.update(json.loads(os.environ['FILLED']))
    return JsonResponse({})


def show(request):
    return JsonResponse(dict(request.session.items()))


def types(request):
    """What JSON and pickles spell in their own ways, and an expiry."""
    request.session.set_expiry(300)
    request.session.update({'big': 2**70, 'odd': [float('nan'), '\ud800'], 'long': 'x' * 3000})
    return JsonResponse({})


urlpatterns = [path('set', fill), path('types', types), path('', show)]

if 'DATABASES' in given:
    from django.core.management import call_command
    call_command('migrate', verbosity=0)


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    def log_message(self, *args):
        pass


from django.core.wsgi import get_wsgi_application  # noqa: E402

make_server('127.0.0.1', int(sys.argv[1]), get_wsgi_application(), Server, Handler).serve_forever()
