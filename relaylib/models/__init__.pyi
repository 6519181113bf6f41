from .cache import EmbeddingCache as EmbeddingCache
from .embed import embed as embed
from .embed import embed_stream as embed_stream
from .encoder import Encoder as Encoder
from .encoder import encoder_names as encoder_names
from .encoder import load_encoder as load_encoder
from .encoder import register_encoder as register_encoder
