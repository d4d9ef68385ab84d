"""What mqtt-mcp is compared with; each module is a process of its own, run by an interpreter that has its library."""
