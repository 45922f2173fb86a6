"""From the cells of a notebook to the functions of a Python module. Pure."""
