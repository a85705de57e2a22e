"""A backup: a folder with `config`, `data` and `backup.json`, of a server that runs or not.

    done = back_up(Wanted(config_path=..., data_dir=..., target=...), tell)

`run` works in `TARGET.unfinished`, which gets its name when everything is in it, verified and on stable storage. First
comes the configuration, then the queue, then every account: its database as one state (`app.store.databasecopy`), then
the files of messages which that state names, while nobody removes files there (`app.store.filehold`). `placing` puts
files into the folder: as hard links where that is possible, for bytes that never change; else as copies; and as links
to an earlier backup where they are equal. Nothing is asked of a running server, and nothing of it has to stop.

What is damaged at the source is told, and everything else is backed up all the same. `form` knows what a backup
looks like, for those who read one; `lastrun` notes what became of the last one, for the status.

Start reading at `run`.
"""
