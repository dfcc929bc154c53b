package decision

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ballast-go/ballast/llm"
)

// readableText is text that a record can keep: bytes that are not UTF-8 are
// U+FFFD.
func readableText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// readableResponse is an answer that a record can keep. It is decoded as it is
// kept, so that a replay decodes the same.
func readableResponse(r llm.Response) llm.Response {
	r.Garbled = r.Garbled || !utf8.ValidString(r.Content)
	finish := string(r.FinishReason)
	for _, text := range [...]*string{&r.ID, &r.Provider, &r.Model, &r.Content, &r.Refusal, &finish, &r.Hop} {
		*text = readableText(*text)
	}
	r.FinishReason = llm.FinishReason(finish)
	r.Tried = readableAttempts(r.Tried)
	return r
}

// readable makes what errors say, which may be in the words of a peer, text
// that a record can keep: a decision must not stay unrecorded for it.
func (r *Record) readable() {
	res := &r.Result
	for _, text := range [...]*string{&r.ModelError, &res.Reason, &res.Model, &res.Circuit} {
		*text = readableText(*text)
	}
	res.Degraded = slices.Clone(res.Degraded) // which other decisions may share
	for i := range res.Degraded {
		res.Degraded[i] = readableText(res.Degraded[i])
	}
	res.Tried = readableAttempts(res.Tried)
}

func readableAttempts(attempts []llm.Attempt) []llm.Attempt {
	attempts = slices.Clone(attempts)
	for i := range attempts {
		a := &attempts[i]
		a.Model, a.Endpoint = readableText(a.Model), readableText(a.Endpoint)
	}
	return attempts
}
