from .findings import findings_table as findings_table
from .findings import most_telling as most_telling
from .pipeline import DemoResult as DemoResult
from .pipeline import run as run
from .speech import DemoSpeech as DemoSpeech
from .speech import data_folder as data_folder
from .speech import example_audio as example_audio
from .speech import load_demo as load_demo
