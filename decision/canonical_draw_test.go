package decision_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/decision"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// drawRecord is a record with anything in any of its fields, those of later
// versions included, that their types can hold and a record may.
func drawRecord(tb testing.TB, t *rapid.T) decision.Record {
	tb.Helper()
	var r decision.Record
	d := drawer{t: t, series: []marketdata.Series{
		{}, waves(tb, marketdata.Interval1h, 3, fixed()), waves(tb, marketdata.Interval4h, 2, fixed()), waves(tb, marketdata.Interval1h, 1, fixed()),
	}}
	d.fill(reflect.ValueOf(&r).Elem())
	r.Schema = decision.RecordSchema
	return r
}

type drawer struct {
	t      *rapid.T
	series []marketdata.Series
}

func (d *drawer) int(low, high int64) int64 { return rapid.Int64Range(low, high).Draw(d.t, "n") }

// decimal has up to 60 digits, trailing zeros included.
func (d *drawer) decimal() decimal.Decimal {
	digits := new(big.Int).Mul(big.NewInt(d.int(math.MinInt64, math.MaxInt64)), big.NewInt(d.int(0, math.MaxInt64)))
	if d.int(0, 3) == 0 {
		digits.SetInt64(d.int(-100, 100))
	}
	return decimal.NewFromBigInt(digits, int32(d.int(-60, 40)))
}

// text is any UTF-8, with what has to be escaped often in it.
func (d *drawer) text() string {
	return rapid.StringOfN(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("\x00\b\t\n\f\r\x1f\"\\/<>&'\x7f\u2028\u2029\ufeff\uffff\U0001F600"))), 0, 6, -1).Draw(d.t, "text")
}

func (d *drawer) time() time.Time {
	if d.int(0, 4) == 0 {
		return time.Time{}
	}
	at := time.Unix(d.int(-2_000_000_000, 9_000_000_000), d.int(0, 999_999_999)).UTC()
	if d.int(0, 2) == 0 {
		at = at.In(time.FixedZone("", int(d.int(-14*60, 14*60))*60))
	}
	return at
}

// known fills what has an encoding of its own.
func (d *drawer) known(v reflect.Value) bool {
	switch at := v.Addr().Interface().(type) {
	case *decimal.Decimal:
		*at = d.decimal()
	case *decimal.NullDecimal: // null with digits behind it, too
		*at = decimal.NullDecimal{Valid: d.int(0, 2) > 0}
		if d.int(0, 3) > 0 {
			at.Decimal = d.decimal()
		}
	case *time.Time:
		*at = d.time()
	case *marketdata.Interval:
		*at = rapid.SampledFrom([]marketdata.Interval{"1m", "1h", "4h", "1w"}).Draw(d.t, "interval")
	case *marketdata.Series:
		*at = rapid.SampledFrom(d.series).Draw(d.t, "series")
	case *indicator.Line:
		*at = rapid.SliceOfN(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), 0, math.Copysign(0, -1), 5e-324, math.MaxFloat64})), 0, 3).Draw(d.t, "line")
		for i, f := range *at {
			if math.IsInf(f, 0) {
				(*at)[i] = math.NaN()
			}
		}
	case *decision.Measure:
		*at = rapid.SampledFrom([]decision.Measure{"", "bullish", "1.50", "-3", "1e5", `"`}).Draw(d.t, "measure")
	case *json.RawMessage:
		*at = json.RawMessage(rapid.SampledFrom([]string{`{}`, `{"a":[1.0,2e3,"<"],"b":null}`, `null`}).Draw(d.t, "raw"))
	default:
		return false
	}
	return true
}

func (d *drawer) fill(v reflect.Value) {
	if d.known(v) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				d.fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		if d.int(0, 1) == 1 {
			v.Set(reflect.New(v.Type().Elem()))
			d.fill(v.Elem())
		}
	case reflect.Slice:
		if n := d.int(-1, 2); n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), int(n), int(n)))
			for i := range v.Len() {
				d.fill(v.Index(i))
			}
		}
	case reflect.Map:
		d.fillMap(v)
	case reflect.String:
		v.SetString(d.text())
	case reflect.Bool:
		v.SetBool(d.int(0, 1) == 1)
	case reflect.Int, reflect.Int64:
		v.SetInt(d.int(math.MinInt64, math.MaxInt64))
	default:
		d.t.Fatalf("a record holds a %s, which this generator does not know", v.Type())
	}
}

func (d *drawer) fillMap(v reflect.Value) {
	n := d.int(-1, 2)
	if n < 0 {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for range n {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		d.fill(key)
		d.fill(value)
		v.SetMapIndex(key, value)
	}
}

// members lists the JSON members of a type in their order, each by its path.
func members(t reflect.Type, path string, seen []reflect.Type) (out []string) {
	if t == reflect.TypeFor[decimal.Decimal]() || t == reflect.TypeFor[decimal.NullDecimal]() || t == reflect.TypeFor[time.Time]() || slices.Contains(seen, t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return members(t.Elem(), path, seen)
	case reflect.Slice:
		return members(t.Elem(), path+"[]", seen)
	case reflect.Map:
		return members(t.Elem(), path+"{}", seen)
	case reflect.Struct:
	default:
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		if tag == "-" || !f.IsExported() {
			continue
		}
		name, rest := tag, ""
		for j, c := range tag {
			if c == ',' {
				name, rest = tag[:j], " "+tag[j+1:]
				break
			}
		}
		here := path + "." + name
		out = append(out, fmt.Sprintf("%s %s%s", here[1:], f.Type, rest))
		out = append(out, members(f.Type, here, append(seen, t))...)
	}
	return out
}
