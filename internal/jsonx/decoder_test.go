package jsonx_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/internal/jsonx"
)

func TestDecoderReadsADocumentValueByValue(t *testing.T) {
	t.Parallel()
	d := jsonx.NewDecoder([]byte(` {"a":[1,"x\u0041\n"],"b":{"c":[{}]},"d":null} `))
	kind, err := d.Token()
	require.NoError(t, err)
	require.Equal(t, jsonx.Kind('{'), kind)

	name, err := d.Raw()
	require.NoError(t, err)
	require.Equal(t, `"a"`, string(name))
	_, err = d.Token()
	require.NoError(t, err)
	more, err := d.More()
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, jsonx.Kind('0'), d.Kind())
	number, err := d.Raw()
	require.NoError(t, err)
	require.Equal(t, "1", string(number))
	text, err := d.Text()
	require.NoError(t, err)
	require.Equal(t, "xA\n", string(text))
	more, err = d.More()
	require.NoError(t, err)
	require.False(t, more)

	_, err = d.Raw()
	require.NoError(t, err)
	require.NoError(t, d.Skip(4))
	_, err = d.Raw()
	require.NoError(t, err)
	require.NoError(t, d.Skip(1), "a scalar nests nothing")
	more, err = d.More()
	require.NoError(t, err)
	require.False(t, more)
	require.NoError(t, d.End())
}

func TestDecoderSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		document string
		want     error
	}{
		"cut string":     {`{"a":"x`, jsonx.ErrTruncated},
		"cut object":     {`{"a":1`, jsonx.ErrTruncated},
		"empty":          {``, jsonx.ErrTruncated},
		"duplicate":      {`{"a":1,"a":2}`, jsonx.ErrDuplicate},
		"escaped twin":   {`{"a":1,"\u0061":2}`, jsonx.ErrDuplicate},
		"bare word":      {`{"a":NaN}`, jsonx.ErrSyntax},
		"trailing comma": {`{"a":1,}`, jsonx.ErrSyntax},
		"raw newline":    {"{\"a\":\"\n\"}", jsonx.ErrSyntax},
		"lone surrogate": {`{"a":"\ud800"}`, jsonx.ErrSyntax},
		"invalid UTF-8":  {"{\"a\":\"\xff\"}", jsonx.ErrSyntax},
		"too deep":       {`{"a":[[[1]]]}`, jsonx.ErrDepth},
		"two values":     {`{} {}`, jsonx.ErrTrailing},
		"prose after":    {`{} done`, jsonx.ErrTrailing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := jsonx.NewDecoder([]byte(c.document))
			err := d.Skip(3)
			if err == nil {
				err = d.End()
			}
			require.ErrorIs(t, err, c.want)
			var at *jsonx.SyntaxError
			require.ErrorAs(t, err, &at)
			require.LessOrEqual(t, at.Offset, int64(len(c.document)))
			require.Contains(t, err.Error(), c.want.Error())
		})
	}
}

func TestDecoderTextRejectsOtherKinds(t *testing.T) {
	t.Parallel()
	for _, document := range []string{`1`, `null`, `true`, `{}`, `["a"]`, `"a`} {
		_, err := jsonx.NewDecoder([]byte(document)).Text()
		require.Error(t, err, document)
	}
	_, err := jsonx.NewDecoder([]byte(`}`)).More()
	require.ErrorIs(t, err, jsonx.ErrSyntax)
}

func TestAppendTextQuotes(t *testing.T) {
	t.Parallel()
	require.Equal(t, `x"a\"\n\u0000é"`, string(jsonx.AppendText([]byte("x"), "a\"\n\x00é")))
	require.Equal(t, `"`+"\ufffd"+`"`, string(jsonx.AppendText(nil, "\xff")))
}

func FuzzDecoderSkip(f *testing.F) {
	f.Add(`{"a":[1,{"b":null}]}`)
	f.Add(strings.Repeat("[", 100))
	f.Fuzz(func(t *testing.T, document string) {
		d := jsonx.NewDecoder([]byte(document))
		if d.Skip(32) != nil || d.End() != nil {
			return
		}
		var v any
		require.NoError(t, jsonx.Unmarshal([]byte(document), &v), "whatever is accepted is JSON")
	})
}
