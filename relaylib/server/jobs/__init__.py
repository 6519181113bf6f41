"""Heavy work: what it is (`tasks`), where it is done (`executor`, `local`), how it is done (`work`), and its queue."""
