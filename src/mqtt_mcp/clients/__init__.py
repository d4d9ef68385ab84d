"""MCP clients: how each of them is told to start this server, and how its configuration is edited without harm.

One table of clients (``table.py``) and one of ways to start the server (``launches.py``); every snippet, command line,
install link and generated page is made of these two. Standard library and ``errors`` only.
"""
