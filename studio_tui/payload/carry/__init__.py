"""The far end of carrying a folder: looks at it, sends and takes its files, settles them."""
