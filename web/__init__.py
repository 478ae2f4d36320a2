"""web: what people see. Pages, the browser client; files served as they are, no build step."""
