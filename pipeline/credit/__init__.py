"""Credit risk on the star: frames in, frames out; no orchestration and no warehouse access."""
