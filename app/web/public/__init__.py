"""What anybody may fetch: settings for mail programs, Apple profiles with their QR codes, and MTA-STS policies.

One application, `public_app`, for every port that serves these (AutoconfigHTTPS and MTASTSHTTPS of mox.conf, and plain
HTTP, as mail programs ask there too). A request passes the rate limit, then `hosts.py` tells from its Host field
whether it is for us and for which mail domain; the pages look up that domain in the present configuration, let
`app/operations/clientprofiles.py` write the answer, and keep nothing. Names that are not ours, and paths that are not
these, get 404: what else is on the same port answers all but `PATHS` itself.

Rules: nothing here tells whether an address exists, answers depend on the domain alone; what is read is bounded; no
page needs a password or sets a cookie.

Start reading at `app.py`.
"""
