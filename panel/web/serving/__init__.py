"""What stands between the network and the pages: hosts, headers, the vendor's files, the access log, waitress."""
