"""An application on Flask's own sessions, for tests: python3 flask_app.py <port>. FLASK_CONFIG is JSON for its configuration, FILLED
what /set puts into the session."""
import datetime
import json
import os
import sys
import uuid

import flask
from markupsafe import Markup
from werkzeug.serving import run_simple

app = flask.Flask(__name__)
app.config.update(json.loads(os.environ['FLASK_CONFIG']))


@app.route('/set')
def fill():
    flask.session.update(json.loads(os.environ['FILLED']))
    return flask.jsonify({})


@app.route('/')
def show():
    return flask.jsonify(dict(flask.session))


@app.route('/types')
def types():
    """Everything that Flask has a tag for."""
    flask.flash('saved')
    flask.session.permanent = True
    flask.session.update(
        tuple=(1, ('x',), []),
        bytes=b'\x00\xff',
        moment=datetime.datetime(2012, 1, 20, 1, 2, 3, tzinfo=datetime.timezone.utc),
        uuid=uuid.UUID('12345678123456781234567812345678'),
        markup=Markup('<b>'),
        tagged={' t': 'looks like a tag'},
        long='x' * 3000,
        big=2**70,
        odd=[float('nan'), float('inf'), '\ud800'],
    )
    return flask.jsonify({})


run_simple('127.0.0.1', int(sys.argv[1]), app, threaded=True)
