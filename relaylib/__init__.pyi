from relaylib.errors import AudioDecodeError as AudioDecodeError
