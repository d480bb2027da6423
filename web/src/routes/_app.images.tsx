import { createFileRoute } from '@tanstack/react-router'
import { ImagesPage } from '../features/images/images-page.tsx'

export const Route = createFileRoute('/_app/images')({ component: ImagesPage })
