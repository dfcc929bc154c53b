// Package httpx is the hardening that every adapter over HTTP needs: a client
// that follows nothing and trusts no environment, bounded bodies, Retry-After,
// base URLs that hold no secret, and error text fit for a log.
package httpx
