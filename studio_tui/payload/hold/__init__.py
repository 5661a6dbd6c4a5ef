"""Holds one terminal on a machine: pty, last output and exit code outlive every connection.

    python3 -m hold.start start DIR COLS ROWS [--cwd FOLDER] [-- COMMAND...]

starts COMMAND (without one the login shell) on a pty in a process of its own and prints one JSON
line {"socket", "pid", "state"}; "state" is "running", "exited" or "lost" (the machine restarted, or
somebody killed the holder). Started again with the same DIR it starts nothing and prints the line
again.

    python3 -m hold.start find DIR

prints the line and starts nothing; "state" is "missing" where nothing was ever started. DIR holds

    pid     "PID START BOOT" of the holder, so that a reused pid is never taken for it
    socket  where it listens
    exit    {"code", "offset", "ring"} once it is over: the exit code (negative: a signal), how many
            bytes were ever put out, and the offset of the first byte in
    ring    the last output

Frames on the socket, both ways: type (1 byte), length (4, big-endian), payload.

    in   D bytes              input
         R cols (2) rows (2)  size of the terminal
         C                    forget all input that the program has not read yet, and all other
                              clients, who may have more of it under way
         A offset (8)         send the output from there on
         K                    end the program: hang up, after a while kill
    out  O offset (8) end (8) the number of the next byte of output, and of the first one that the
                              program had not written yet when this client asked
         D bytes              output
         E flags (1)          1: the pty echoes, 2: it edits lines
         X code (4, signed)   it is over, nothing follows

Standard library only, Python 3.8 and later, Linux and macOS.
"""
