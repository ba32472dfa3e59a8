"""The security headers that CloudFront would send, taken from the template.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-cloudfront-responseheaderspolicy-securityheadersconfig.html
"""

from __future__ import annotations

from infra.aws.template import Json, of_type


def security_headers(template: Json, *, https: bool) -> dict[str, str]:
    """Response headers of the site.

    Args:
        template: the one for AWS, before the emulator's is made from it.
        https: whether the origin has TLS. If not, two things that make a browser insist on
            TLS are left out, which is all that differs from AWS.
    """
    (policy,) = of_type(template, "AWS::CloudFront::ResponseHeadersPolicy").values()
    config = policy["Properties"]["ResponseHeadersPolicyConfig"]
    security = config["SecurityHeadersConfig"]
    csp = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    headers = {
        "Content-Security-Policy": csp,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": security["FrameOptions"]["FrameOption"],
        "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
    }
    if https:
        transport = security["StrictTransportSecurity"]
        subdomains = "; includeSubDomains" if transport.get("IncludeSubdomains") else ""
        headers["Strict-Transport-Security"] = (
            f"max-age={transport['AccessControlMaxAgeSec']}{subdomains}"
        )
    else:
        directives = [part.strip() for part in csp.split(";")]
        directives = [part for part in directives if part != "upgrade-insecure-requests"]
        headers["Content-Security-Policy"] = "; ".join(directives)
    for item in config.get("CustomHeadersConfig", {}).get("Items", []):
        headers[item["Header"]] = item["Value"]
    return headers
