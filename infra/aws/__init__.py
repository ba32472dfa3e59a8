"""Packages the app and deploys it by CloudFormation, to AWS or to an emulator."""
