"""Forms of the pages, by noun. They read and show; what may be is decided by the services."""
