from .app import create_app as create_app
from .process import ServerProcess as ServerProcess
from .settings import Settings as Settings
