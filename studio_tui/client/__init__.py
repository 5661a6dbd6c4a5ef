"""The attached studio as objects: what the app, the SDK and the command line share."""
