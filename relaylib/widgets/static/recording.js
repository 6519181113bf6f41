/* What a view knows of the recording on the screen: its length, its tiles, its samples. */

import { Blocks } from "./pcm.js";
import { Tiles } from "./tiles.js";

/** One recording; `send` speaks to the kernel, `arrived` is called when something came that can be drawn or played. */
export class Recording {
  constructor(sound, send, arrived) {
    this.id = sound.id;
    this.tiles = new Tiles(sound.id, send, arrived);
    this.blocks = new Blocks(sound.id, send, arrived);
    this.update(sound);
  }

  update(sound) {
    this.durationMs = sound.duration_ms;
    this.decodedMs = sound.decoded_ms;
    this.error = sound.error ?? null;
    this.blocks.grown(sound);
  }

  take(message, buffers) {
    if (message.sound !== this.id) return;
    if (message.kind === "tile") this.tiles.take(message, buffers);
    else this.blocks.take(message, buffers);
  }
}
