package decision

// CacheKeyOf is the key under which an engine's cache keeps the proposal.
func CacheKeyOf(e *Engine, in Input) ([32]byte, error) {
	key, err := e.cacheKey(&in)
	return key, err
}

// CacheKeyBytes is the encoding of a list of fields in a key.
func CacheKeyBytes(fields ...string) string {
	var w keyWriter
	for _, f := range fields {
		w.text(f)
	}
	return string(w.b)
}

// CacheFlights is how many flights may be joined at this moment.
func CacheFlights(c *Cache) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.flights)
}
