package aster

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext" //nolint:depguard // as wire.go
	"github.com/shopspring/decimal"
)

const (
	maxLevels       = 1000 // of one side of a book
	maxFundingHours = 7 * 24
)

// premiumRow is an element of premiumIndex.
type premiumRow struct {
	Symbol          string `json:"symbol"`
	MarkPrice       amount `json:"markPrice"`
	IndexPrice      amount `json:"indexPrice"`
	LastFundingRate amount `json:"lastFundingRate"`
	NextFundingTime moment `json:"nextFundingTime"`
	Time            moment `json:"time"`
}

func (r *premiumRow) check() error {
	if err := required(presence{"markPrice", r.MarkPrice.set}, presence{"lastFundingRate", r.LastFundingRate.set}, presence{"time", r.Time.set}); err != nil {
		return err
	}
	if !r.MarkPrice.value.IsPositive() {
		return fmt.Errorf("markPrice must be positive, was %s", clipped(r.MarkPrice.value))
	}
	if r.LastFundingRate.value.Abs().GreaterThanOrEqual(decimal.NewFromInt(1)) {
		return fmt.Errorf("lastFundingRate must be between -1 and 1, was %s", clipped(r.LastFundingRate.value))
	}
	return nil
}

func (r *premiumRow) premium() Premium {
	p := Premium{
		Symbol: r.Symbol, Mark: r.MarkPrice.value, Index: r.IndexPrice.orUnlimited(),
		FundingRate: r.LastFundingRate.value, At: r.Time.at,
	}
	if r.NextFundingTime.at.UnixMilli() > 0 {
		p.NextFundingAt = r.NextFundingTime.at
	}
	return p
}

// tickerRow is an element of ticker/24hr.
type tickerRow struct {
	Symbol             string `json:"symbol"`
	PriceChangePercent amount `json:"priceChangePercent"`
	LastPrice          amount `json:"lastPrice"`
	HighPrice          amount `json:"highPrice"`
	LowPrice           amount `json:"lowPrice"`
	Volume             amount `json:"volume"`
	QuoteVolume        amount `json:"quoteVolume"`
	CloseTime          moment `json:"closeTime"`
}

func (r *tickerRow) check() error {
	if err := required(
		presence{"lastPrice", r.LastPrice.set}, presence{"priceChangePercent", r.PriceChangePercent.set}, presence{"highPrice", r.HighPrice.set},
		presence{"lowPrice", r.LowPrice.set}, presence{"volume", r.Volume.set}, presence{"quoteVolume", r.QuoteVolume.set}, presence{"closeTime", r.CloseTime.set},
	); err != nil {
		return err
	}
	if !r.LastPrice.value.IsPositive() {
		return fmt.Errorf("lastPrice must be positive, was %s", clipped(r.LastPrice.value))
	}
	if r.Volume.value.IsNegative() || r.QuoteVolume.value.IsNegative() {
		return errors.New("volume must not be negative")
	}
	if r.PriceChangePercent.value.LessThanOrEqual(decimal.NewFromInt(-100)) {
		return fmt.Errorf("priceChangePercent must be above -100, was %s", clipped(r.PriceChangePercent.value))
	}
	return nil
}

func (r *tickerRow) ticker() Ticker {
	return Ticker{
		Symbol: r.Symbol, Last: r.LastPrice.value, ChangePercent: r.PriceChangePercent.value, High: r.HighPrice.value, Low: r.LowPrice.value,
		Volume: r.Volume.value, QuoteVolume: r.QuoteVolume.value, At: r.CloseTime.at,
	}
}

// interestRow is the answer of openInterest.
type interestRow struct {
	Symbol       string `json:"symbol"`
	OpenInterest amount `json:"openInterest"`
	Time         moment `json:"time"`
}

func (r *interestRow) check() error {
	if !r.OpenInterest.set || r.OpenInterest.value.IsNegative() {
		return errors.New("openInterest is missing or negative")
	}
	return nil
}

func (r *interestRow) interest() OpenInterest {
	return OpenInterest{r.Symbol, r.OpenInterest.value, r.Time.at}
}

// fundingInfoRow is an element of fundingInfo, whose cap and floor are numbers.
type fundingInfoRow struct {
	Symbol string              `json:"symbol"`
	Hours  int                 `json:"fundingIntervalHours"`
	Cap    decimal.NullDecimal `json:"fundingFeeCap"`
	Floor  decimal.NullDecimal `json:"fundingFeeFloor"`
}

func (r *fundingInfoRow) check() error {
	if r.Hours < 1 || r.Hours > maxFundingHours {
		return fmt.Errorf("fundingIntervalHours must be between 1 and %d, was %d", maxFundingHours, r.Hours)
	}
	return nil
}

func (r *fundingInfoRow) info() FundingInfo {
	return FundingInfo{r.Symbol, time.Duration(r.Hours) * time.Hour, r.Cap, r.Floor}
}

// fundingRateRow is an element of fundingRate.
type fundingRateRow struct {
	Symbol      string `json:"symbol"`
	FundingRate amount `json:"fundingRate"`
	FundingTime moment `json:"fundingTime"`
}

func (r *fundingRateRow) check() error {
	return required(presence{"fundingRate", r.FundingRate.set}, presence{"fundingTime", r.FundingTime.set})
}

// bookRow is the answer of depth.
type bookRow struct {
	LastUpdateID int64  `json:"lastUpdateId"`
	At           moment `json:"T"`
	Emitted      moment `json:"E"` // declared, so that no reader takes one for the other
	Bids         levels `json:"bids"`
	Asks         levels `json:"asks"`
}

func (r *bookRow) check() error {
	if err := required(presence{"lastUpdateId", r.LastUpdateID > 0}, presence{"T", r.At.set}); err != nil {
		return err
	}
	for n := range r.Bids[:max(len(r.Bids)-1, 0)] {
		if !r.Bids[n].Price.GreaterThan(r.Bids[n+1].Price) {
			return fmt.Errorf("bids must fall, bid %d does not", n+1)
		}
	}
	for n := range r.Asks[:max(len(r.Asks)-1, 0)] {
		if !r.Asks[n].Price.LessThan(r.Asks[n+1].Price) {
			return fmt.Errorf("asks must rise, ask %d does not", n+1)
		}
	}
	if len(r.Bids) > 0 && len(r.Asks) > 0 && !r.Bids[0].Price.LessThan(r.Asks[0].Price) {
		return fmt.Errorf("the book is crossed: bid %s, ask %s", clipped(r.Bids[0].Price), clipped(r.Asks[0].Price))
	}
	return nil
}

// levels are pairs of strings, price and quantity.
type levels []Level

// UnmarshalJSONFrom reads an array of pairs.
func (l *levels) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = nil
	if dec.PeekKind() == '{' {
		return errNotRows
	}
	return eachRow(dec, func() error {
		if len(*l) == maxLevels {
			return fmt.Errorf("must have at most %d levels", maxLevels)
		}
		next, err := readLevel(dec)
		*l = append(*l, next)
		return err
	})
}

func readLevel(dec *jsontext.Decoder) (Level, error) {
	var level Level
	if token, err := dec.ReadToken(); err != nil {
		return level, err
	} else if token.Kind() != '[' {
		return level, errNotRows
	}
	for _, out := range [...]*decimal.Decimal{&level.Price, &level.Quantity} {
		value, err := readAmount(dec)
		if err != nil {
			return level, err
		}
		if !value.IsPositive() {
			return level, fmt.Errorf("price and quantity must be positive, was %s", clipped(value))
		}
		*out = value
	}
	for dec.PeekKind() != ']' {
		if err := dec.SkipValue(); err != nil {
			return level, err
		}
	}
	_, err := dec.ReadToken()
	return level, err
}

// clipped is a hostile number fit for an error.
func clipped(d decimal.Decimal) string { return fmt.Sprintf("%.40s", d.String()) }
